import express from 'express';

/** The service itself: it takes a `pg.Pool` and knows nothing of where its password comes from. */
export function createApp(pool) {
  const app = express();
  app.use(express.json());

  app.get('/orders/:id', async (request, response) => {
    const { rows } = await pool.query('select id, item, quantity from orders where id = $1', [
      request.params.id,
    ]);
    if (rows.length === 0) response.sendStatus(404);
    else response.json(rows[0]);
  });

  app.post('/orders', async (request, response) => {
    const { item, quantity } = request.body;
    const { rows } = await pool.query(
      'insert into orders (item, quantity) values ($1, $2) returning id, item, quantity',
      [item, quantity],
    );
    response.status(201).json(rows[0]);
  });

  app.use((error, _request, response, _next) => {
    response.status(500).json({ error: error.code ?? error.name });
  });
  return app;
}
