"""Storage of images, with their parameters in the file and in the day's log.html."""
import html
import json
import os
import urllib.parse

from PIL import Image
from PIL.PngImagePlugin import PngInfo

import args_manager
import modules.config
import modules.slow_disk  # noqa: F401 - for its effect on Image.save
from modules.flags import OutputFormat
from modules.meta_parser import MetadataParser, get_exif
from modules.util import generate_temp_filename

SPLIT = '<!--fooocus-log-split-->'  # entries are between the first and the second of these
STYLE = ('body { background: #16181d; color: #dfe3ea; font-family: sans-serif } .label { color: #8d96a5 } '
         'td { padding: 2px 12px 2px 0; vertical-align: top } img { max-width: 480px; height: auto }')
log_cache: dict[str, str] = {}


def get_current_html_path(output_format=None) -> str:
    """Return the path of today's log."""
    _, path, _ = generate_temp_filename(modules.config.path_outputs,
                                        output_format or modules.config.default_output_format)
    return os.path.join(os.path.dirname(path), 'log.html')


def log(img, metadata, metadata_parser: MetadataParser | None = None, output_format=None, task=None,
        persist_image=True) -> str:
    """Save img (uint8 HxWx3) and return its path.

    metadata is a list of (label, key, value). Without persist_image, or with --disable-image-log, the image goes
    to the temp folder.
    """
    keep = persist_image and not args_manager.args.disable_image_log
    output_format = output_format or modules.config.default_output_format
    folder = modules.config.path_outputs if keep else modules.config.temp_path
    date, path, name = generate_temp_filename(folder, output_format)
    os.makedirs(os.path.dirname(path), exist_ok=True)

    parameters = metadata_parser.to_string(metadata.copy()) if metadata_parser else ''
    scheme = metadata_parser.get_scheme().value if metadata_parser else ''
    image = Image.fromarray(img)
    if output_format == OutputFormat.PNG.value:
        info = PngInfo()
        if parameters:
            info.add_text('parameters', parameters)
            info.add_text('fooocus_scheme', scheme)
        image.save(path, pnginfo=info)
    elif output_format in (OutputFormat.JPEG.value, OutputFormat.WEBP.value):
        exif = get_exif(parameters, scheme) if parameters else Image.Exif()
        image.save(path, quality=95, exif=exif)
    else:
        image.save(path)

    if not args_manager.args.disable_image_log and (args_manager.args.demo_photo or not args_manager.args.demo_null):
        _add_to_html(os.path.join(os.path.dirname(path), 'log.html'), date, name, metadata, task)
    return path


def _add_to_html(html_path: str, date: str, name: str, metadata, task) -> None:
    """Put an entry at the top of the page. The file is read once; after that the entries in memory take precedence."""
    entries = log_cache.get(html_path, '')
    if not entries and os.path.exists(html_path):
        with open(html_path, encoding='utf-8') as file:
            parts = file.read().split(SPLIT)
        entries = parts[1] if len(parts) == 3 else parts[0]

    rows = ''.join(_row(label, str(value)) for label, _, value in metadata)
    if task is not None and 'positive' in task and 'negative' in task:
        rows += _row('Whole prompt', ', '.join(task['positive']))
        rows += _row('Whole negative', ', '.join(task['negative']))
    as_json = urllib.parse.quote(json.dumps({key: value for _, key, value in metadata}), safe='')
    copy = f'navigator.clipboard.writeText(decodeURIComponent(\'{as_json}\'))'
    entry = (f'<div id="{name.replace(".", "_")}" class="image-container"><hr><table><tr>\n'
             f'<td><a href="{name}" target="_blank"><img src="{name}" loading="lazy"></a>'
             f'<div>{name}</div></td>\n'
             f'<td><table class="metadata">{rows}</table>\n'
             f'<button onclick="{copy}">Copy parameters</button></td></tr></table></div>\n\n')
    log_cache[html_path] = entry + entries

    title = f'Images of {date}'
    with open(html_path, 'w', encoding='utf-8') as file:
        file.write(f'<!DOCTYPE html><html><head><meta charset="utf-8"><title>{title}</title>'
                   f'<style>{STYLE}</style></head><body><h1>{title}</h1>{SPLIT}\n\n{log_cache[html_path]}\n{SPLIT}</body></html>')


def _row(label: str, value: str) -> str:
    text = html.escape(value).replace('\n', '<br>')
    return f'<tr><td class="label">{label}</td><td class="value">{text}</td></tr>\n'
