// What happened, newest first, a page at a time.
import { useInfiniteQuery } from "@tanstack/react-query";
import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { timelinePage } from "../../api/queries";
import { useLang } from "../../i18n";
import { Amount } from "../../ui/figure";
import { pickText, showInstant } from "../../ui/format";
import { LoadError, Skeleton } from "../../ui/states";

export function Timeline({ id, currency }: { id: number; currency: string | undefined }) {
  const { t } = useTranslation();
  const lang = useLang();
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({
    queryKey: ["timeline", id],
    queryFn: ({ pageParam, signal }) => timelinePage(id, pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
    staleTime: 60_000,
  });
  if (error) return <LoadError error={error} onRetry={() => refetch()} />;
  if (!data) return <Skeleton height={360} />;
  const entries = data.pages.flatMap((p) => p.resources);
  if (entries.length === 0) return <p className="nothing">{t("answer.empty")}</p>;
  return (
    <div className="timeline" tabIndex={0} role="region" aria-label={t("customer.timeline")}>
      <ol>
        {entries.map((entry, i) => (
          <li key={`${entry.at}-${entry.ref ?? ""}-${i}`} className={`event-${entry.kind}`}>
            <time dateTime={entry.at} title={entry.at}>
              {showInstant(entry.at).slice(0, 10)}
            </time>
            <span className="event-title">{pickText(entry.title, lang)}</span>
            {entry.amount != null && (
              <span className="num">
                <Amount value={entry.amount} unit="money" currency={currency} />
              </span>
            )}
          </li>
        ))}
      </ol>
      {hasNextPage && (
        <Button block loading={isFetchingNextPage} onClick={() => fetchNextPage()}>
          {t("pager.more")}
        </Button>
      )}
    </div>
  );
}
