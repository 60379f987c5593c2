/** Where drawers stand: over the body, they would lock scrolling by a style element without a nonce. */
export const layer = (): HTMLElement => document.getElementById("layer") ?? document.body;
