"""How an API server is reached: its address and who we are, one request, one watch. No word of nodes or pods here."""
