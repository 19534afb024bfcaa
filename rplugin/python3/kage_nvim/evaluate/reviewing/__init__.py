"""What reviewers report, and how it is told."""
