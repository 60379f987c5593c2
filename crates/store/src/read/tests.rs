//! Pages are read from an index, however far behind they are, and nothing is
//! counted that nobody asked for.

use std::sync::Arc;

use keji_schema::Catalog;
use keji_schema::expr::Expr;

use super::*;
use crate::db::Fields;
use crate::testing;

async fn plan(store: &Store, sql: String, params: &[Value]) -> String {
    let kinds = [Type::Int, Type::Int, Type::Int, Type::Text];
    let mut reader = store.db().reader().await.unwrap();
    let explained = format!("explain query plan {sql}");
    let rows = reader.conn().rows(explained, params, &kinds).await.unwrap();
    let line = |row: Vec<Value>| {
        Fields::new(row.into_iter().skip(3).collect())
            .text()
            .unwrap()
    };
    rows.into_iter().map(line).collect::<Vec<_>>().join("; ")
}

#[tokio::test]
async fn a_page_far_behind_begins_in_an_index() {
    let place = testing::sqlite();
    let catalog = Arc::new(Catalog::standard().unwrap());
    let store = Store::open(&place.location, catalog).await.unwrap();
    let access = Access::all();
    for (sort, after, wanted) in [
        (vec![], None, "SCAN t"),
        (
            vec![],
            Some("[7]"),
            "SEARCH t USING INTEGER PRIMARY KEY (rowid>?)",
        ),
        (
            vec![Sort::asc("number")],
            None,
            "SCAN t USING INDEX customer_number_key",
        ),
        (
            vec![Sort::asc("number")],
            Some("[\"K7\",7]"),
            "SEARCH t USING INDEX customer_number_key (number>?)",
        ),
        (
            vec![Sort::desc("number")],
            Some("[\"K7\",7]"),
            "SEARCH t USING INDEX customer_number_key (number<?)",
        ),
    ] {
        let query = ListQuery {
            object: "customer".to_owned(),
            fields: vec!["id".to_owned(), "name".to_owned()],
            sort,
            limit: 50,
            after: after.map(str::to_owned),
            ..ListQuery::default()
        };
        let list = store.list_sql(&query, &Candidates::new(), &access).unwrap();
        let (sql, count, params) = (list.sql, list.count_sql, list.params);
        assert!(count.is_none(), "counted unasked");
        assert_eq!(plan(&store, sql, &params).await, wanted, "{:?}", query.sort);
        let query = ListQuery {
            total: true,
            ..query
        };
        let counted = store.list_sql(&query, &Candidates::new(), &access);
        assert!(counted.unwrap().count_sql.is_some());
    }
}

/// The page's own filters and orders: nothing is sorted but records that are
/// equal in what was asked for.
#[tokio::test]
async fn lists_have_an_index_for_filter_and_order() {
    let place = testing::sqlite();
    let catalog = Arc::new(Catalog::standard().unwrap());
    let store = Store::open(&place.location, catalog.clone()).await.unwrap();
    for (object, filter, sort, wanted) in [
        (
            "customer",
            "city = '上海'",
            "name",
            "customer_city_name_idx",
        ),
        ("customer", "user = 1", "name", "customer_user_name_idx"),
        ("customer", "true", "name", "customer_name_idx"),
        (
            "opportunity",
            "stage = 1",
            "-amount",
            "opportunity_stage_amount_currency_idx",
        ),
        (
            "opportunity",
            "customer = 1",
            "-opened_on",
            "opportunity_customer_opened_on_idx",
        ),
        (
            "touchpoint",
            "customer = 1",
            "-held_on",
            "touchpoint_customer_held_on_idx",
        ),
        ("touchpoint", "true", "-held_on", "touchpoint_held_on_idx"),
        ("order", "true", "-ordered_on", "order_ordered_on_idx"),
    ] {
        let path = sort.trim_start_matches('-').to_owned();
        let query = ListQuery {
            object: object.to_owned(),
            fields: vec!["id".to_owned()],
            filter: Some(Expr::parse_filter(filter, &catalog.scope(object)).unwrap()),
            sort: vec![Sort {
                descending: sort.starts_with('-'),
                path,
            }],
            limit: 50,
            ..ListQuery::default()
        };
        let list = store.list_sql(&query, &Candidates::new(), &Access::all());
        let list = list.unwrap();
        let plan = plan(&store, list.sql, &list.params).await;
        assert!(plan.contains(wanted), "{object} where {filter}: {plan}");
        assert!(!plan.contains("TEMP B-TREE FOR ORDER BY"), "{plan}");
    }
}
