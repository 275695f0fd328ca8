"""Images of requests and answers: forms with image files, pictures for tools, and files of outputs."""
