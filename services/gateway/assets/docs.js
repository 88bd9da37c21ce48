/* global SwaggerUIBundle */

// Kept in a file of its own because the page's content security policy allows no inline script.
const documentUrl = new URL('../openapi.json', document.currentScript.src);

SwaggerUIBundle({
  url: documentUrl.href,
  dom_id: '#swagger-ui',
  deepLinking: true,
  persistAuthorization: true,
  // The validator badge would call a server on the internet.
  validatorUrl: null,
});
