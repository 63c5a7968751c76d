"""The verification book: checks against exact solutions, limits and balances."""
