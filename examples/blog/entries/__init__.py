"""The entries of the blog, and how readers get them."""
