/** The part of a Postman collection (v2.1) that is read here. */
export type CollectionRequest = { name: string; request: { method: string; url: string } };
export type CollectionFolder = { name: string; item: CollectionRequest[] };
export type Collection = { item: CollectionFolder[] };

export function requestsOf(collection: Collection): CollectionRequest[] {
  return collection.item.flatMap((folder) => folder.item);
}
