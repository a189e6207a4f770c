"""Looking at a service from outside: by its API, or by what its state folder has."""
