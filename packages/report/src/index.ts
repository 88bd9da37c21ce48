export { type Chart, renderPage, type Section, type Series, type Table } from './page.ts';
