"""The kinds of controls that several tabs have."""
import gradio as gr


def slider(label, low, high, step, value, **kwargs):
    return gr.Slider(label=label, minimum=low, maximum=high, step=step, value=value, **kwargs)


def check(label, value=False, **kwargs):
    return gr.Checkbox(label=label, value=value, **kwargs)


def menu(label, choices, value, **kwargs):
    return gr.Dropdown(label=label, choices=choices, value=value, **kwargs)


def picture(label, **kwargs):
    return gr.Image(label=label, source='upload', type='numpy', height=320, **kwargs)
