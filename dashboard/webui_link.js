// Puts links to the dashboard and to the API's documentation before the links in the footer of Gradio's page.
(() => {
  const own = document.currentScript.src;
  const texts = (navigator.language || '').toLowerCase().startsWith('zh')
    ? {dashboard: '仪表盘', docs: 'API 文档', guide: '使用指南'}
    : {dashboard: 'Dashboard', docs: 'API documentation', guide: 'Guide'};

  const link = (name, address, like) => {
    const element = document.createElement('a');
    element.className = like ? like.className : '';
    element.classList.add(`fooocus-api-${name}`);
    element.href = new URL(address, own).href;
    element.target = '_blank';
    element.rel = 'noopener';
    element.textContent = texts[name];
    return element;
  };

  const place = (footer) => {
    const like = footer.querySelector('a');
    const separator = footer.querySelector('div');
    const between = () => (separator ? separator.cloneNode(true) : document.createTextNode(' · '));
    const added = [link('dashboard', '../dashboard', like), link('docs', '../docs', like), link('guide', '../guide/', like)];
    footer.prepend(...added.flatMap((each) => [each, between()]));
  };

  const look = () => {
    const app = document.querySelector('gradio-app');
    const footer = ((app && app.shadowRoot) || document).querySelector('footer');
    if (footer) place(footer);
    return Boolean(footer);
  };

  // The page is built by scripts, so the footer comes late.
  if (look()) return;
  const observer = new MutationObserver(() => look() && observer.disconnect());
  observer.observe(document.documentElement, {childList: true, subtree: true});
})();
