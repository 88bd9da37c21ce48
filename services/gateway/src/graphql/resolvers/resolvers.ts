import { DateTime, Day, JsonValue, Money } from '../scalars.ts';
import { authResolvers } from './auth.ts';
import { orderResolvers } from './orders.ts';
import { paymentResolvers } from './payments.ts';
import { productResolvers } from './products.ts';
import { userResolvers } from './users.ts';

/** How every field is answered that is not simply a property of the message it stands in. Resolvers translate, nothing more. */
export const resolvers = [
  { Money, DateTime, Day, JSON: JsonValue },
  authResolvers,
  userResolvers,
  productResolvers,
  orderResolvers,
  paymentResolvers,
];
