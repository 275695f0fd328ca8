"""The only room that imports Fooocus or gradio: it turns host modules into the few plain objects the others use."""
