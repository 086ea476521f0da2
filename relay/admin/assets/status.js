// Keeps the status page current: asks for it again and takes over the parts that are
// marked as live. Without it the page is complete, as it was when it was loaded.
'use strict';
{
  const every = 2000;
  const patience = 5000;
  const freshness = document.getElementById('freshness');
  const pause = document.getElementById('pause');
  const picture = document.getElementById('picture');
  let timer = 0;
  let run = 0; // counts loops: those of before end

  let answered = new Date(); // when it last did

  const say = (text, stale = false) => {
    if (freshness.textContent !== text) freshness.textContent = text;
    document.body.classList.toggle('stale', stale);
  };

  // The scroll position and the focus of a part stay: only what is in it is replaced.
  const take = (fresh) => {
    for (const part of document.querySelectorAll('[data-live]')) {
      const next = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
      if (next && next.innerHTML !== part.innerHTML) part.replaceChildren(...next.childNodes);
    }
    document.title = fresh.title;
  };

  // The next picture takes the place of the old one when it is there.
  const draw = () =>
    new Promise((done) => {
      const next = new Image();
      next.onload = () => {
        picture.src = next.src;
        done();
      };
      next.onerror = done;
      next.src = `/tree.svg?at=${Date.now()}`;
    });

  const refresh = async () => {
    try {
      const answer = await fetch('/', { signal: AbortSignal.timeout(patience), headers: { Accept: 'text/html' } });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      take(new DOMParser().parseFromString(await answer.text(), 'text/html'));
      await draw();
      document.body.dataset.updates = String(Number(document.body.dataset.updates ?? 0) + 1);
      answered = new Date();
      say('Updated every 2 s.');
    } catch {
      say(`The node does not answer. What is shown is of ${answered.toLocaleTimeString()}; trying again.`, true);
    }
  };

  const loop = async (mine) => {
    await refresh();
    if (mine === run) timer = setTimeout(loop, every, mine);
  };

  pause.addEventListener('click', () => {
    const paused = pause.getAttribute('aria-pressed') === 'false';
    pause.setAttribute('aria-pressed', String(paused));
    clearTimeout(timer);
    run++;
    say(paused ? 'Paused.' : '');
    if (!paused) loop(run);
  });
  document.getElementById('controls').hidden = false;
  timer = setTimeout(loop, every, run);
}
