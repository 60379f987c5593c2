// What a webhook sent and is to send, newest first.
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Button, Switch } from "antd";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Delivery, deliveryPage, resend, type Webhook, webhooksQuery } from "../../api/webhooks";
import { useLogWords } from "../../fields/change-words";
import { findObject } from "../../fields/record";
import { useLang } from "../../i18n";
import { NO_VALUE, pickText, showInstant } from "../../ui/format";
import { useObjects } from "../../ui/session";
import { LoadError, Skeleton } from "../../ui/states";
import { useAttemptWords, useStateWords } from "./delivery-words";

/** While something is on its way. */
const LOOK_AGAIN_MS = 5_000;

export function Deliveries({ hook }: { hook: Webhook }) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const id = useId();
  const [isDead, setDead] = useState(false);
  const key = ["deliveries", hook.id, isDead];
  const pages = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => deliveryPage(hook.id, isDead, pageParam, signal),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
    refetchInterval: (query) =>
      query.state.data?.pages.some((p) => p.deliveries.some((d) => d.state === "waiting"))
        ? LOOK_AGAIN_MS
        : false,
  });
  const again = useMutation({
    mutationFn: (delivery: number) => resend(hook.id, delivery),
    onSuccess: async () => {
      await cache.invalidateQueries({ queryKey: ["deliveries", hook.id] });
      await cache.invalidateQueries({ queryKey: webhooksQuery.queryKey });
    },
  });
  if (pages.error) return <LoadError error={pages.error} onRetry={() => pages.refetch()} />;
  if (!pages.data) return <Skeleton height={160} />;
  const all = pages.data.pages.flatMap((p) => p.deliveries);
  return (
    <>
      <div className="controls">
        <label htmlFor={id}>{t("webhooks.onlyDead")}</label>
        <Switch id={id} size="small" checked={isDead} onChange={setDead} />
      </div>
      {again.error && (
        <p className="wrong" role="alert">
          {again.error.message || t("error.unreachable")}
        </p>
      )}
      {all.length === 0 ? (
        <p className="nothing">{t("webhooks.nothingSent")}</p>
      ) : (
        <table className="table as-cards">
          <thead>
            <tr>
              <th scope="col">{t("webhooks.when")}</th>
              <th scope="col">{t("webhooks.what")}</th>
              <th scope="col">{t("user.state")}</th>
              <th scope="col">{t("webhooks.lastTry")}</th>
              <th scope="col">
                <span className="visually-hidden">{t("users.actions")}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {all.map((delivery) => (
              <Row
                key={delivery.id}
                delivery={delivery}
                isBusy={again.isPending && again.variables === delivery.id}
                onResend={() => again.mutate(delivery.id)}
              />
            ))}
          </tbody>
        </table>
      )}
      {pages.hasNextPage && (
        <Button loading={pages.isFetchingNextPage} onClick={() => pages.fetchNextPage()}>
          {t("pager.more")}
        </Button>
      )}
    </>
  );
}

const CHIPS: Record<string, string> = { delivered: "chip state-done", dead: "chip state-failed" };

function Row({ delivery, isBusy, onResend }: { delivery: Delivery; isBusy: boolean; onResend: () => void }) {
  const { t } = useTranslation();
  const lang = useLang();
  const words = useLogWords();
  const attemptWords = useAttemptWords();
  const stateWords = useStateWords();
  const objects = useObjects();
  const object = delivery.object ? findObject(objects, delivery.object) : undefined;
  const kind =
    delivery.type === "test" ? t("webhooks.aTest") : words.kind(delivery.type.split(".").at(-1) ?? "");
  return (
    <tr>
      <td data-head={t("webhooks.when")} className="nowrap">
        {showInstant(delivery.created_at)}
      </td>
      <td data-head={t("webhooks.what")}>
        {object && delivery.record !== null && delivery.record !== undefined ? (
          <Link to="/records/$object/$id" params={{ object: object.id, id: String(delivery.record) }}>
            {pickText(object.name, lang)} #{delivery.record}
          </Link>
        ) : (
          delivery.object
        )}{" "}
        {kind}
      </td>
      <td data-head={t("user.state")}>
        <span className={CHIPS[delivery.state] ?? "chip"}>{stateWords(delivery.state)}</span>
        {delivery.next_at && delivery.attempt && (
          <span className="note"> {t("webhooks.next", { at: showInstant(delivery.next_at) })}</span>
        )}
      </td>
      <td data-head={t("webhooks.lastTry")}>
        {delivery.attempt ? attemptWords(delivery.attempt) : NO_VALUE}
      </td>
      <td>
        {delivery.type !== "test" && delivery.state !== "waiting" && (
          <Button size="small" loading={isBusy} onClick={onResend}>
            {t("webhooks.resend")}
          </Button>
        )}
      </td>
    </tr>
  );
}
