gradio_root = None  # the WebUI's gr.Blocks, once webui.py has made it
