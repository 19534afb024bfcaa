"""What a judge is shown and asked, and what it answered."""
