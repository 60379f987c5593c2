//! Imports as a person works with them, on both stores: looking at columns,
//! keeping a mapping, correcting, replacing, taking back.

use crate::support::{self, Home, Server, homes, json as run};
use serde_json::{Value as Json, json};

const HEAD: &str = "单号,日期,客户,产品,数量,单价\n";

fn upload(server: &Server, query: &str, text: &str) -> Json {
    let path = format!("/api/imports?filename={query}");
    let headers = [("content-type", "application/octet-stream")];
    let reply = server.send("POST", &path, &headers, text.as_bytes());
    assert!(
        reply.status == 201,
        "{} {}",
        reply.status,
        String::from_utf8_lossy(&reply.body)
    );
    server.finished(&reply.json())
}

fn net(home: &Home) -> String {
    let answer = run(home.keji().args(["ask", "net_revenue"]));
    answer["rows"][0][0].as_str().unwrap_or("null").to_owned()
}

fn is_good(home: &Home) {
    let report = run(home.keji().arg("check"));
    let findings = report["findings"].as_array().unwrap();
    assert!(findings.iter().all(|f| f["is_good"] == true), "{report}");
}

#[test]
fn columns_are_looked_at_and_kept_for_the_next_file() {
    for home in homes() {
        let server = home.server();
        let text = format!("{HEAD}S1,2025-03-05,甲,茶,2,10\nS2,2025-03-06,乙,杯,1,5\n");
        let waiting = upload(&server, "first.csv&review=true", &text);
        assert_eq!(waiting["state"], "needs_mapping", "{waiting}");
        let id = waiting["id"].as_i64().unwrap();

        let preview = server.get(&format!("/api/imports/{id}/preview")).json();
        assert_eq!(preview["rows"].as_array().unwrap().len(), 2, "{preview}");
        assert_eq!(preview["rows"][0]["cells"][2], "甲");
        let mut mapping = preview["mapping"].clone();
        // Somebody leaves the product out and looks again.
        let columns = mapping["columns"].as_array_mut().unwrap();
        let product = columns.iter_mut().find(|c| c["heading"] == "产品").unwrap();
        product["field"] = json!(null);
        let again = server.post(&format!("/api/imports/{id}/preview?rows=1"), &mapping);
        let again = again.json();
        assert_eq!(again["rows"].as_array().unwrap().len(), 1);
        let values = again["rows"][0]["values"].as_object().unwrap();
        assert!(!values.keys().any(|k| k.starts_with("product")), "{again}");

        let path = format!("/api/imports/{id}/mapping?save_as=%E5%8F%B0%E8%B4%A6");
        let done = server.finished(&server.post(&path, &mapping).json());
        assert_eq!(done["state"], "done", "{done}");
        assert_eq!(done["summary"]["products_new"], 0);
        let saved = server.get("/api/mappings").json();
        assert_eq!(saved["resources"][0]["name"], "台账");

        let text = format!("{HEAD}S3,2025-04-05,甲,茶,1,7\n");
        let next = upload(&server, "second.csv", &text);
        assert_eq!(next["state"], "done", "{next}");
        assert_eq!(next["summary"]["source"], "台账");
        assert_eq!(next["summary"]["products_new"], 0);

        let forgotten = server.send("DELETE", "/api/mappings/%E5%8F%B0%E8%B4%A6", &[], &[]);
        assert_eq!(forgotten.status, 204);
        let saved = server.get("/api/mappings").json();
        assert_eq!(saved["resources"], json!([]));
    }
}

#[test]
fn a_file_adds_updates_or_replaces() {
    for home in homes() {
        let server = home.server();
        let import = |query: &str, rows: &str| upload(&server, query, &format!("{HEAD}{rows}"));
        import(
            "a.csv&source=ledger",
            "S1,2025-03-05,甲,茶,2,10\nS2,2025-03-06,乙,杯,1,5\n",
        );
        assert_eq!(net(&home), "25");

        // A corrected price beside the wrong one, until the file updates.
        let corrected = "S1,2025-03-05,甲,茶,2,11\n";
        let added = import("b.csv&source=ledger", corrected);
        assert_eq!(net(&home), "47");
        let looks = added["summary"]["first_looks"].as_array().unwrap();
        assert!(
            looks.iter().any(|l| l["code"] == "orders_extended"),
            "{added}"
        );
        let undo = format!("/api/imports/{}/undo", added["id"]);
        assert_eq!(server.post(&undo, &json!(null)).status, 200);
        assert_eq!(net(&home), "25");

        let updated = import("b.csv&source=ledger&mode=update", corrected);
        assert_eq!(net(&home), "27");
        assert_eq!(updated["summary"]["lines_deleted"], 1, "{updated}");
        let undo = format!("/api/imports/{}/undo", updated["id"]);
        assert_eq!(server.post(&undo, &json!(null)).status, 200);
        assert_eq!(net(&home), "25");

        // The whole truth of its source; another source is left alone.
        import("c.csv&source=shop", "T1,2025-03-07,丙,茶,1,100\n");
        let refused = server.send(
            "POST",
            "/api/imports?filename=d.csv&mode=replace",
            &[],
            b"x",
        );
        assert_eq!(
            refused.status,
            409,
            "{}",
            String::from_utf8_lossy(&refused.body)
        );
        let replaced = import("d.csv&source=ledger&mode=replace", corrected);
        assert_eq!(replaced["summary"]["orders_deleted"], 1, "{replaced}");
        assert_eq!(net(&home), "122");
        let again = import("d.csv&source=ledger&mode=replace", corrected);
        assert_eq!(again["summary"]["orders_changed"], 0, "{again}");
        is_good(&home);
        let undo = format!("/api/imports/{}/undo", replaced["id"]);
        assert_eq!(server.post(&undo, &json!(null)).status, 200);
        assert_eq!(net(&home), "125");
        is_good(&home);
    }
}

#[test]
fn mended_rejects_go_in_as_they_are() {
    for home in homes() {
        let server = home.server();
        // Enough good dates for the columns to be sure.
        let good: String = (10..30)
            .map(|day| format!("G{day},2025-01-{day},甲,茶,0,10\n"))
            .collect();
        let rows = "S1,2025-03-05,甲,茶,2,10\nS2,昨天,乙,杯,1,5\n合计,,,,3,25\n";
        let first = upload(&server, "a.csv", &format!("{HEAD}{good}{rows}"));
        assert_eq!(first["summary"]["rows_rejected"], 1, "{first}");
        assert_eq!(first["summary"]["rows_left_out"], 1, "{first}");
        let rejects = server.get(&format!("/api/imports/{}/rejects", first["id"]));
        let text = String::from_utf8(rejects.body).unwrap();
        assert!(
            text.contains("昨天") && text.contains("is not a date"),
            "{text}"
        );
        let mended = upload(&server, "rejects.csv", &text.replace("昨天", "2025-03-06"));
        assert_eq!(mended["summary"]["orders_new"], 1, "{mended}");
        assert_eq!(net(&home), "25");
    }
}

#[test]
fn one_adjustment_and_a_mistyped_year_do_no_harm() {
    let home = &homes()[0];
    let server = home.server();
    // Only an adjustment: there is no purchase to judge anybody by.
    let done = upload(
        &server,
        "a.csv",
        &format!("{HEAD}A1,2025-01-02,甲,茶,2,3.5\n"),
    );
    assert_eq!(done["state"], "done", "{done}");
    let rows = "S1,2025-03-05,甲,茶,2,10\nS2,2099-03-07,乙,茶,1,10\n";
    let done = upload(&server, "b.csv", &format!("{HEAD}{rows}"));
    let tomorrow = done["summary"]["as_of"].as_str().unwrap();
    assert!(tomorrow < "2099-01-01", "{done}");
    let late = home
        .keji()
        .args(["evaluate", "--as-of", "2098-01-01"])
        .output();
    assert!(!late.unwrap().status.success());
}

#[test]
fn an_import_renews_the_evaluations_that_it_outdates() {
    let home = &homes()[0];
    let server = home.server();
    upload(
        &server,
        "a.csv",
        &format!("{HEAD}S1,2025-01-05,甲,茶,2,10\n"),
    );
    run(home.keji().args(["evaluate", "--as-of", "2025-06-01"]));
    upload(
        &server,
        "b.csv",
        &format!("{HEAD}S2,2025-02-05,乙,茶,1,7\n"),
    );
    // The list reads the newest day, which now counts the second file too.
    let page = server.get("/api/customers").json();
    assert_eq!(page["as_of"], "2025-06-01");
    assert_eq!(page["total"], 2, "{page}");
    let revenue: Vec<&str> = page["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["net_revenue"].as_str().unwrap())
        .collect();
    assert_eq!(revenue, ["20", "7"]);
}

#[test]
fn a_file_is_never_written_over_itself() {
    let home = &homes()[0];
    let file = home.data.path().join("orders.csv");
    std::fs::write(&file, format!("{HEAD}S1,2025-01-05,甲,茶,2,10\n")).unwrap();
    run(home.keji().arg("import").arg(&file));
    let before = std::fs::read(&file).unwrap();
    let refused = home
        .keji()
        .arg("export")
        .arg(&file)
        .arg("-o")
        .arg(&file)
        .output();
    assert!(!refused.unwrap().status.success());
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[test]
fn the_report_names_what_is_odd() {
    let home = &homes()[0];
    let server = home.server();
    let mut rows = String::new();
    for i in 0..40 {
        rows += &format!("S{i},2025-0{}-05,广州明朗贸易有限公司,茶,1,10\n", 1 + i % 2);
    }
    rows += "S90,2025-05-05,广州明朗贸易(有限公司),茶,1,10\nS91,2025-05-05,甲,茶,1,900000\n";
    let done = upload(&server, "odd.csv", &format!("{HEAD}{rows}"));
    let codes: Vec<&str> = done["summary"]["oddities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l["code"].as_str().unwrap())
        .collect();
    for code in [
        "duplicate_looking_customers",
        "gaps_in_dates",
        "outlier_amounts",
    ] {
        assert!(codes.contains(&code), "{codes:?}");
    }
    assert!(done["summary"]["oddities"][0]["zh"].as_str().unwrap().len() > 5);
}

#[test]
fn a_backup_comes_back_whole() {
    for home in homes() {
        let file = home.data.path().join("orders.csv");
        std::fs::write(&file, support::orders_csv(3_000, 3)).unwrap();
        run(home.keji().arg("import").arg(&file));
        let backup = home.data.path().join("today.keji-backup");
        let made = run(home.keji().arg("backup").arg(&backup));
        let again = home.keji().arg("backup").arg(&backup).output().unwrap();
        assert!(!again.status.success(), "an existing file was overwritten");

        // Into a place of either kind.
        for empty in homes() {
            let restored = run(empty.keji().arg("restore").arg(&backup));
            assert_eq!(restored["state_hash"], made["state_hash"]);
            assert_eq!(net(&empty), net(&home));
            is_good(&empty);
            let refused = empty.keji().arg("restore").arg(&backup).output().unwrap();
            assert!(!refused.status.success(), "a full place was restored into");
        }
    }
}

#[test]
fn names_are_found_by_initials_words_and_tails() {
    for home in homes() {
        let server = home.server();
        let text = "单号,日期,客户编号,客户名称,电话,数量,单价\n\
            S1,2025-03-05,K1,李明朗,13800005678,1,10\n\
            S2,2025-03-06,K2,苏州恒远贸易有限公司,051288880000,1,5\n";
        let done = upload(&server, "names.csv", text);
        assert_eq!(done["state"], "done", "{done}");
        let found = |search: &str| -> Vec<String> {
            let page = server
                .get(&format!("/api/customers?search={search}"))
                .json();
            let all = page["resources"].as_array().unwrap();
            all.iter()
                .map(|c| c["number"].as_str().unwrap().to_owned())
                .collect()
        };
        // Words at once, spellings as soon as the index has followed.
        assert_eq!(found("5678"), ["K1"]);
        server.search_follows();
        assert_eq!(found("lml"), ["K1"]);
        assert_eq!(found("LML"), ["K1"]);
        assert_eq!(found("mingl"), ["K1"]);
        assert_eq!(found("szhy"), ["K2"]);
        assert_eq!(found("%E6%81%92%E8%BF%9C"), ["K2"]);
        assert_eq!(found("5678"), ["K1"]);
        assert_eq!(found("zz"), [""; 0]);
        // The file of a list holds what the list finds.
        let file = server.get("/api/exports/customers?format=csv&search=lml");
        let text = String::from_utf8(file.body).unwrap();
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.contains("李明朗"), "{text}");
        // The file that was imported, with five new columns.
        let path = format!("/api/exports/imports/{}?format=csv", done["id"]);
        let text = String::from_utf8(server.get(&path).body).unwrap();
        let head = text.lines().next().unwrap();
        assert!(
            head.ends_with("Tier,Stage,Churn risk,Reason,Expected value"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 3, "{text}");
        // The answer to a question.
        let question = json!({ "metrics": ["net_revenue"], "grain": "month" });
        let file = server.post("/api/exports/insight?format=csv", &question);
        let text = String::from_utf8(file.body).unwrap();
        assert!(text.contains("2025-03-01,15"), "{text}");
        // A name that goes away is not found any more.
        let undo = format!("/api/imports/{}/undo", done["id"]);
        assert_eq!(server.post(&undo, &json!(null)).status, 200);
        assert_eq!(found("lml"), [""; 0]);
    }
}
