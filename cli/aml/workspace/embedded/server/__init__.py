"""The workspace's loopback HTTP server: who may ask, what is asked, how it is answered. It knows no job, no metric."""
