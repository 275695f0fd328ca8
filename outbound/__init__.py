"""HTTP to URLs that clients name, safe against server-side request forgery. Imports no other package."""
