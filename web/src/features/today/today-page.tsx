// What do I do now? One answer of the server with a section for each kind of
// thing, by role and under rights; every row ends in an action.
import "../../i18n/talk";
import "./today.css";
import { PlusOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type Section, todayQuery } from "../../api/talk";
import type { Value } from "../../api/types";
import { NewRecord } from "../../fields/new-record";
import { findObject, mayDo } from "../../fields/record";
import { RecordLink } from "../../fields/record-link";
import { Panel } from "../../ui/panel";
import { useObjects, useUser } from "../../ui/session";
import { Empty, LoadError, Skeleton } from "../../ui/states";
import { OneSection } from "./section";

/** A task to be made: what for, and for whom. */
export type Wish = { name: string; reason: string; customer: { id: number; title: string } | null };

/** What is told even where there is none of it. */
const TOLD: readonly Section["kind"][] = ["backup", "received"];
/** Whether there is something to look at. */
const hasSome = (section: Section): boolean => section.total > 0 || TOLD.includes(section.kind);

export function TodayPage() {
  const { t } = useTranslation();
  const user = useUser();
  const task = findObject(useObjects(), "task");
  const mayMake = task !== undefined && mayDo(task, "create");
  const { data, error, refetch } = useQuery(todayQuery());
  const [wish, setWish] = useState<Wish | null>(null);
  const sections = data?.sections.filter(hasSome) ?? [];
  const rest = data?.sections.filter((section) => !hasSome(section)) ?? [];
  const isQuiet = sections.every((section) => TOLD.includes(section.kind));
  const make = (
    <Button
      type="primary"
      icon={<PlusOutlined aria-hidden="true" />}
      onClick={() => setWish({ name: "", reason: "", customer: null })}
    >
      {t("today.newTask")}
    </Button>
  );
  return (
    <main className="page today" id="main" aria-busy={!data && !error}>
      <header className="page-head">
        <div>
          <h1>{t("today.title")}</h1>
          {data && (
            <p className="note">
              {data.day}
              {data.as_of ? ` · ${t("today.ofEvaluation", { day: data.as_of })}` : ""}
            </p>
          )}
        </div>
        {mayMake && <div className="controls">{make}</div>}
      </header>
      {error ? (
        <LoadError error={error} onRetry={() => refetch()} />
      ) : !data ? (
        <>
          <Skeleton height={200} />
          <Skeleton height={200} />
        </>
      ) : (
        <>
          {isQuiet && (
            <Empty
              title={t("today.nothing")}
              action={
                <Link to="/customers">
                  <Button>{t("today.toCustomers")}</Button>
                </Link>
              }
            >
              <p>{t("today.nothingHelp")}</p>
            </Empty>
          )}
          <div className="today-sections">
            {sections.map((section) => (
              <OneSection
                key={section.kind}
                section={section}
                currency={data.currency ?? undefined}
                user={user?.id ?? null}
                onWish={mayMake ? setWish : undefined}
              />
            ))}
            {data.favourites.length > 0 && (
              <Panel title={t("star.favourites")}>
                <ul className="today-marks">
                  {data.favourites.map((mark) => (
                    <li key={`${mark.object}-${mark.id}`}>
                      <RecordLink object={mark.object} id={mark.id} title={mark.title ?? null} />
                    </li>
                  ))}
                </ul>
              </Panel>
            )}
          </div>
          {!isQuiet && rest.length > 0 && (
            <p className="note">
              {t("today.allDone")}
              {rest.map((section) => t(`today.sections.${section.kind}`)).join(" · ")}
            </p>
          )}
        </>
      )}
      {wish && task && (
        <NewRecord
          object={task}
          given={{
            drafts: {
              due_on: data?.day ?? null,
              ...(wish.name ? { name: wish.name } : {}),
              ...(wish.reason ? { reason: wish.reason } : {}),
              ...(wish.customer ? { customer: wish.customer.id } : {}),
            } as Record<string, Value>,
            links: wish.customer ? { customer: wish.customer } : {},
          }}
          onDone={() => {
            setWish(null);
            void refetch();
          }}
          onClose={() => setWish(null)}
        />
      )}
    </main>
  );
}
