"""Which checks a repository has, and what each looks at."""
