"""What at a site's Kubernetes keeps Tidegate from working as it should: each finding with what to do. Nothing is
changed there, and nothing that a server answers may end a checkup."""
