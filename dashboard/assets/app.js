const root = new URL('../../../', import.meta.url);
const answer = await fetch(new URL('v1/session', root));
document.getElementById('app').textContent = JSON.stringify(await answer.json());
