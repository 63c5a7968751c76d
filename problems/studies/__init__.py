"""Many runs as one study: points, their folders and tables, and the ranks or jobs that compute them."""
