"""The progress bar under the preview."""

progress_html = '''
<div style="display: flex; gap: 1em; align-items: center; padding: .6em">
  <progress style="flex: 1; height: 1em" value="*number*" max="100"></progress><span>*text*</span>
</div>
'''


def make_progress_html(number: int, text: str) -> str:
    return progress_html.replace('*number*', str(number)).replace('*text*', text)
