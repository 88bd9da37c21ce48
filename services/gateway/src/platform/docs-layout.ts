import { escaped, type Html } from './html.ts';

/** A page of the documentation: where it is below /docs, and what the navigation calls it. */
export type DocsPage = { readonly path: string; readonly title: string };

/** In the order of the navigation. What another part of the gateway serves below /docs is a line here. */
export const DOCS_PAGES = [
  { path: '', title: 'REST' },
  { path: '/graphql', title: 'GraphQL' },
  { path: '/grpc', title: 'gRPC' },
  { path: '/events', title: 'Events and queues' },
] as const satisfies readonly DocsPage[];
export type DocsPath = (typeof DOCS_PAGES)[number]['path'];

/** Of all pages, Swagger UI's included, whose own style stands beside it. */
const NAVIGATION_STYLE = `
  nav { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 0 auto; padding: .75rem 1rem; color: #222 }
  nav a { margin-right: 1rem; color: #06c } nav a[aria-current] { font-weight: 600; color: inherit; text-decoration: none }
  nav span { float: right }`;

const PAGE_STYLE = `
  body { font: 16px/1.5 system-ui, sans-serif; margin: 0; color: #222; background: #fff }
  main { max-width: 72rem; margin: 0 auto; padding: 0 1rem 3rem }
  h2 { margin-top: 2.5rem; border-bottom: 1px solid #ccc } h3 { margin: 2rem 0 .25rem } p { margin: .25rem 0 }
  table { border-collapse: collapse; width: 100%; margin: .5rem 0; font-size: .9rem }
  th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border: 1px solid #ddd } th { background: #f4f4f4 }
  code, pre { font: .85rem/1.4 ui-monospace, monospace }
  pre { background: #f4f4f4; padding: .75rem; overflow: auto } summary { cursor: pointer; color: #345 } .who { color: #555 }
  @media (prefers-color-scheme: dark) {
    body, nav { background: #181a1b; color: #ddd } a, nav a { color: #8ab4f8 } th, pre { background: #26292b }
    th, td { border-color: #444 } summary, .who { color: #aab }
  }`;

export type Layout = {
  /** The path of the documentation, such as `/api/v1/docs`. */
  readonly base: string;
  /** Which page it is. */
  readonly current: DocsPath;
  readonly title: string;
  /** The document that the page shows, as a machine reads it. */
  readonly raw: readonly { readonly href: string; readonly name: string }[];
};

/** Plain HTML without a script, which loads nothing. */
export function textPage(layout: Layout, content: Html): Html {
  return wholePage(layout, { style: PAGE_STYLE, body: `<main>\n    ${content}\n    </main>` });
}

/** `head` and `body` for a page that brings its own style and scripts. */
export function wholePage(
  layout: Layout,
  { style = '', head = '', body }: { style?: string; head?: Html; body: Html },
): Html {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${escaped(layout.title)}</title>
    <link rel="icon" type="image/png" href="${layout.base}/favicon-32x32.png">
    <style>${style}${NAVIGATION_STYLE}
    </style>${head}
  </head>
  <body>
    ${navigation(layout)}
    ${body}
  </body>
</html>
`;
}

function navigation({ base, current, raw }: Layout): Html {
  const links = DOCS_PAGES.map(({ path, title }) => {
    const here = path === current ? ' aria-current="page"' : '';
    return `<a href="${base}${path}"${here}>${escaped(title)}</a>`;
  });
  const documents = raw.map(({ href, name }) => `<a href="${href}">${escaped(name)}</a>`);
  return `<nav>${links.join('')}<span>${documents.join('')}</span></nav>`;
}
