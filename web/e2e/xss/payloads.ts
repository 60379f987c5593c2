// Texts that would run where a page takes text for markup, each of another
// way in. What runs calls `__ran`, shows a dialog or leaves an element whose
// id begins with CANARY.

export const CANARY = "xss-canary";

const RUN = `window.__ran&&window.__ran('N')`;

/** `N` is the payload's number. Quotes of both kinds, so that some leave an attribute. */
const TEMPLATES = [
  `<script>${RUN}</script>`,
  `<script>alert('N')</script>`,
  `<script src="/${CANARY}-N.js"></script>`,
  `<ScRiPt id="${CANARY}-N">${RUN}</sCrIpT>`,
  `</title></textarea></style><script>${RUN}</script>`,
  `"><script>${RUN}</script>`,
  `'><script>${RUN}</script>`,
  `<img id="${CANARY}-N" src=x onerror="${RUN}">`,
  `<img id=${CANARY}-N src=x onerror=alert(N)>`,
  `"><img id="${CANARY}-N" src=x onerror="${RUN}">`,
  `' autofocus onfocus="${RUN}" x='`,
  `" onmouseover="${RUN}" x="`,
  `<svg id="${CANARY}-N" onload="${RUN}">`,
  `<svg><script id="${CANARY}-N">${RUN}</script></svg>`,
  `<svg><animate id="${CANARY}-N" onbegin="${RUN}" attributeName=x dur=1s></svg>`,
  `<math><mtext><img id="${CANARY}-N" src=x onerror="${RUN}"></mtext></math>`,
  `<iframe id="${CANARY}-N" srcdoc="<script>parent.__ran('N')</script>"></iframe>`,
  `<iframe id="${CANARY}-N" src="javascript:parent.__ran('N')"></iframe>`,
  `<object id="${CANARY}-N" data="data:text/html,<script>alert(N)</script>"></object>`,
  `<embed id="${CANARY}-N" src="javascript:alert(N)">`,
  `<a id="${CANARY}-N" href="javascript:${RUN}">x</a>`,
  `<a id="${CANARY}-N" href="jav&#x09;ascript:alert(N)">x</a>`,
  `<body id="${CANARY}-N" onload="${RUN}">`,
  `<details id="${CANARY}-N" open ontoggle="${RUN}">x</details>`,
  `<video id="${CANARY}-N"><source onerror="${RUN}"></video>`,
  `<audio id="${CANARY}-N" src=x onerror="${RUN}"></audio>`,
  `<input id="${CANARY}-N" autofocus onfocus="${RUN}">`,
  `<select id="${CANARY}-N" autofocus onfocus="${RUN}"></select>`,
  `<marquee id="${CANARY}-N" onstart="${RUN}">x</marquee>`,
  `<form id="${CANARY}-N" action="javascript:alert(N)"><button autofocus>x</button></form>`,
  `<base id="${CANARY}-N" href="https://example.invalid/">`,
  `<meta id="${CANARY}-N" http-equiv="refresh" content="0;url=javascript:alert(N)">`,
  `<link id="${CANARY}-N" rel="stylesheet" href="/${CANARY}-N.css">`,
  `<style id="${CANARY}-N">@import "/${CANARY}-N.css";</style>`,
  `<div id="${CANARY}-N" style="background:url(/${CANARY}-N.png)">x</div>`,
  `<template id="${CANARY}-N"><script>${RUN}</script></template>`,
  `<noscript><p title="</noscript><img id='${CANARY}-N' src=x onerror=alert(N)>">`,
  `&lt;img id="${CANARY}-N" src=x onerror="${RUN}"&gt;`,
  `\\u003cimg id="${CANARY}-N" src=x onerror=alert(N)\\u003e`,
  `{{constructor.constructor('alert(N)')()}}`,
  `\${alert(N)}`,
  `[x](javascript:alert(N)) ![x](x" onerror="alert(N))`,
  `javascript:alert(N)//<!--<img id="${CANARY}-N" src=x onerror=alert(N)>`,
  `=HYPERLINK("javascript:alert(N)","x")<b id="${CANARY}-N">x</b>`,
  `＜script＞alert(N)＜/script＞<x-y id="${CANARY}-N">x</x-y>`,
] as const;

export const PAYLOADS: string[] = TEMPLATES.map((text, n) => text.replaceAll("N", String(n)));

/** Addresses that must never become a link. */
export const ADDRESSES = [
  "javascript:alert(1)",
  "JaVaScRiPt:window.__ran('url')",
  " javascript:alert(2)",
  "java\tscript:alert(3)",
  "data:text/html,<script>alert(4)</script>",
  "vbscript:msgbox(5)",
];

const IN_ONE = 5;
export const N_GROUPS = Math.ceil(PAYLOADS.length / IN_ONE);

/** Several in one text: every text field of every record has some, and each group stands in each field once. */
export function group(n: number): string {
  const first = (n % N_GROUPS) * IN_ONE;
  return PAYLOADS.slice(first, first + IN_ONE).join(" ");
}
