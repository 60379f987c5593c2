//! One pass over the orders to a purchase history per customer.
