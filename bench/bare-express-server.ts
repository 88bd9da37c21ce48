/** P0's server: express, a JSON body in, a JSON body out, and nothing between. Tells its port to the process that forked it. */
import express from 'express';

const app = express();
app.disable('x-powered-by');
app.post('/orders', express.json(), (request, response) => {
  response.status(201).json({ data: { id: 1, status: 'PENDING', items: request.body.items } });
});
const server = app.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') process.send?.(address.port);
});
