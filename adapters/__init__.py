"""The only package that imports Fooocus or Gradio; it wraps host modules in the few plain objects that the others use."""
