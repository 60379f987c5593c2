// One section of the day: its rows, what each is about, and what one can do
// with it.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { noticesKey, readNotice, type Section, type TodayRow } from "../../api/talk";
import { useLogWords } from "../../fields/change-words";
import { FieldValue } from "../../fields/field-value";
import { FinishButton } from "../../fields/finish-task";
import { Notices } from "../../fields/notices";
import { findObject, mayDo } from "../../fields/record";
import { RecordLink } from "../../fields/record-link";
import { useLang } from "../../i18n";
import { Amount } from "../../ui/figure";
import { exactNumber, pickText, showInstant } from "../../ui/format";
import { Panel } from "../../ui/panel";
import { useMayAdmin, useObjects } from "../../ui/session";
import { Team } from "./team";
import type { Wish } from "./today-page";

/** The rest stands below the bell. */
const NOTICES = 4;

/** Days from which a backup is old. */
const OLD_DAYS = 7;

/** The field of the record that a row's state is a value of. */
const STATES: Partial<Record<Section["kind"], string>> = {
  tasks_overdue: "task.priority",
  tasks_today: "task.priority",
  visits: "touchpoint.kind",
  at_risk: "score.stage",
  payments: "payment_plan.state",
  received: "payment.method",
  renewals: "contract.renewal",
  tickets: "ticket.priority",
  new_customers: "customer.kind",
  withdrawn: "consent.channel",
};
/** Of what a record's list may be narrowed to. */
const LISTS: Partial<Record<Section["kind"], string>> = {
  tasks_overdue: "task",
  tasks_today: "task",
  visits: "touchpoint",
  payments: "payment_plan",
  received: "payment",
  renewals: "contract",
  tickets: "ticket",
  closing: "opportunity",
  new_customers: "customer",
};
const WISHES = [
  "visits",
  "at_risk",
  "payments",
  "tickets",
  "closing",
  "renewals",
  "new_customers",
  "withdrawn",
  "changes",
] as const;
type WishKind = (typeof WISHES)[number];
const isWish = (kind: string): kind is WishKind => (WISHES as readonly string[]).includes(kind);

export function OneSection({
  section,
  currency,
  user,
  onWish,
}: {
  section: Section;
  currency: string | undefined;
  user: number | null;
  onWish: ((wish: Wish) => void) | undefined;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const words = useLogWords();
  const cache = useQueryClient();
  const mayTask = findObject(useObjects(), "task");
  const mayBackUp = useMayAdmin("backups");
  const read = useMutation({
    mutationFn: (id: number) => readNotice(id),
    onSuccess: () =>
      Promise.all([
        cache.invalidateQueries({ queryKey: noticesKey }),
        cache.invalidateQueries({ queryKey: ["today"] }),
      ]),
  });
  const { kind } = section;
  const shown = section.rows.length + (section.changes?.length ?? 0) + (section.notifications?.length ?? 0);
  const list = LISTS[kind];
  const isTask = kind === "tasks_overdue" || kind === "tasks_today";
  const wishOf = (
    object: string,
    id: number,
    title: string,
    customer: { id: number; title?: string | null | undefined } | null,
    why: string | undefined,
  ) => {
    if (!onWish || !isWish(kind)) return null;
    const who = object === "customer" ? { id, title } : customer;
    const name = who?.title ?? title;
    const reason =
      kind === "at_risk"
        ? (why ?? t("today.sections.at_risk"))
        : t(`today.reasons.${kind}`, { what: why ? `${title} · ${why}` : title });
    return (
      <Button
        size="small"
        aria-label={t("today.makeTaskOf", { title })}
        onClick={() =>
          onWish({
            name: t(`today.tasks.${kind}`, { what: name }),
            reason,
            customer: who ? { id: who.id, title: who.title ?? `#${who.id}` } : null,
          })
        }
      >
        {t("today.newTask")}
      </Button>
    );
  };
  const nameOf = (row: { object: string; id: number; title?: string | null | undefined }) =>
    row.title ?? `#${row.id}`;
  return (
    <Panel
      title={
        <>
          {t(`today.sections.${kind}`)}{" "}
          {section.total > 0 && kind !== "backup" && kind !== "team" && (
            <span className="count">{exactNumber(section.total)}</span>
          )}
        </>
      }
      className={kind === "team" || kind === "received" ? "wide" : ""}
    >
      {section.notifications && section.notifications.length > 0 && (
        <Notices
          notices={section.notifications.slice(0, NOTICES)}
          onOpen={(notice) => read.mutate(notice.id)}
        />
      )}
      {section.team && section.team.length > 0 && <Team rows={section.team} currency={currency} />}
      {section.sums && section.sums.length > 0 && (
        <p className="today-sum">
          {section.sums.map((sum) => (
            <Amount
              key={sum.currency ?? ""}
              value={sum.amount}
              unit="money"
              currency={sum.currency ?? currency}
            />
          ))}
        </p>
      )}
      {kind === "received" && section.total === 0 && <p className="muted">{t("today.noMoney")}</p>}
      <ul className="today-rows">
        {section.rows.map((row) => (
          <li key={`${row.object}-${row.id}`}>
            <div className="today-what">
              <p className="today-title">
                <RecordLink object={row.object} id={row.id} title={row.title ?? null} />
                {row.state && STATES[kind] && <State path={STATES[kind]} value={row.state} />}
                <When row={row} kind={kind} />
              </p>
              <p className="today-why">
                {row.customer && row.object !== "customer" && (
                  <RecordLink object="customer" id={row.customer.id} title={row.customer.title ?? null} />
                )}
                {row.user && row.user.id !== user && row.user.title && <span>{row.user.title}</span>}
                {row.reason && <span>{pickText(row.reason, lang)}</span>}
              </p>
            </div>
            <div className="today-act">
              {row.amount && (
                <span className="today-money">
                  <Amount value={row.amount} unit="money" currency={row.currency ?? currency} />
                  {kind === "at_risk" && <small>{t("today.riskMoney")}</small>}
                </span>
              )}
              {isTask && mayTask && mayDo(mayTask, "update") && (
                <FinishButton id={row.id} title={nameOf(row)} isSmall />
              )}
              {wishOf(
                row.object,
                row.id,
                nameOf(row),
                row.customer ?? null,
                row.reason ? pickText(row.reason, lang) : undefined,
              )}
            </div>
          </li>
        ))}
        {(section.changes ?? []).map((row) => (
          <li key={`${row.object}-${row.id}`}>
            <div className="today-what">
              <p className="today-title">
                <RecordLink object={row.object} id={row.id} title={row.title ?? null} />
                <span className="chip">{words.kind(row.kind)}</span>
              </p>
              <p className="today-why">
                {row.customer && (
                  <RecordLink object="customer" id={row.customer.id} title={row.customer.title ?? null} />
                )}
                <span>{words.actor(row.actor)}</span>
                <time dateTime={row.at}>{showInstant(row.at)}</time>
              </p>
            </div>
            <div className="today-act">
              {wishOf(row.object, row.id, nameOf(row), row.customer ?? null, undefined)}
            </div>
          </li>
        ))}
        {(section.imports ?? []).map((row) => (
          <li key={row.id}>
            <div className="today-what">
              <p className="today-title">{row.filename}</p>
              <p className="today-why">
                <span>
                  {t(row.state === "failed" ? "today.imports.failed" : "today.imports.needs_mapping")}
                </span>
                <time dateTime={row.at}>{showInstant(row.at)}</time>
              </p>
            </div>
            <div className="today-act">
              <Link to="/import/$id" params={{ id: String(row.id) }}>
                {t("today.imports.open")}
              </Link>
            </div>
          </li>
        ))}
        {(section.duplicates ?? []).map((row) => (
          <Pairs key={row.object} object={row.object} n={row.n} />
        ))}
        {section.backup && (
          <li>
            <div className="today-what">
              <p className="today-title">
                {!section.backup.newest_at
                  ? t("today.backup.none")
                  : (section.backup.days ?? 0) >= OLD_DAYS
                    ? t("today.backup.old", {
                        n: section.backup.days ?? 0,
                        at: showInstant(section.backup.newest_at),
                      })
                    : t("today.backup.fresh", { at: showInstant(section.backup.newest_at) })}
              </p>
            </div>
            {mayBackUp && (
              <div className="today-act">
                <Link to="/settings/backups">{t("today.backup.open")}</Link>
              </div>
            )}
          </li>
        )}
      </ul>
      {section.total > shown && list && section.filter && (
        <p className="today-more">
          <Link to="/records/$object" params={{ object: list }} search={{ where: section.filter }}>
            {t("today.more", { n: exactNumber(section.total) })}
          </Link>
        </p>
      )}
      {section.total > shown && kind === "at_risk" && (
        <p className="today-more">
          <Link to="/customers" search={{ where: "value_at_risk > 0", sort: "-value_at_risk" }}>
            {t("today.more", { n: exactNumber(section.total) })}
          </Link>
        </p>
      )}
    </Panel>
  );
}

/** A stage has a colour of its own. */
function State({ path, value }: { path: string; value: string }) {
  const field = <FieldValue path={path} value={value} isQuiet />;
  return path === "score.stage" ? field : <span className="chip">{field}</span>;
}

/** How late a row is, or when it is due; never by colour alone. */
function When({ row, kind }: { row: TodayRow; kind: Section["kind"] }) {
  const { t } = useTranslation();
  if (kind === "at_risk")
    return row.on ? <small className="muted">{t("today.lastOrder", { day: row.on })}</small> : null;
  // Money that is here is not late.
  if (kind === "received") return null;
  const late = row.days_late;
  const time = row.at && kind.startsWith("tasks") ? showInstant(row.at).slice(11) : null;
  if (late === null || late === undefined)
    return row.at ? <small className="muted">{showInstant(row.at)}</small> : null;
  const text =
    late > 1
      ? t("today.late", { n: late })
      : late === 1
        ? t("today.lateOne")
        : late === 0
          ? t("today.due")
          : late === -1
            ? t("today.inOne")
            : t("today.in", { n: -late });
  return (
    <small className={late > 0 ? "late" : "muted"} title={row.on ?? undefined}>
      {kind === "tickets" ? row.on : text}
      {time ? ` · ${t("today.at", { time })}` : ""}
    </small>
  );
}

function Pairs({ object, n }: { object: string; n: number }) {
  const { t } = useTranslation();
  const lang = useLang();
  const def = findObject(useObjects(), object);
  return (
    <li>
      <div className="today-what">
        <p className="today-title">{def ? pickText(def.name, lang) : object}</p>
        <p className="today-why">
          <span>{t("today.pairs", { n: n >= 100 ? "99+" : n })}</span>
        </p>
      </div>
      <div className="today-act">
        <Link to="/data/duplicates/$object" params={{ object }}>
          {t("today.merge")}
        </Link>
      </div>
    </li>
  );
}
