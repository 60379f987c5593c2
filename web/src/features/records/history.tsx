// What happened to a record, newest first, with the value before and after.
import { useInfiniteQuery } from "@tanstack/react-query";
import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { historyPage, type ObjectDef } from "../../api/records";
import { useLogWords } from "../../fields/change-words";
import { Diff } from "../../fields/diff";
import { showInstant } from "../../ui/format";
import { LoadError, Skeleton } from "../../ui/states";

export function History({ object, id }: { object: ObjectDef; id: number }) {
  const { t } = useTranslation();
  const words = useLogWords();
  const pages = useInfiniteQuery({
    queryKey: ["records", object.id, "history", id],
    queryFn: ({ pageParam, signal }) => historyPage(object.id, id, pageParam, signal),
    initialPageParam: undefined as number | string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
  });
  if (pages.error) return <LoadError error={pages.error} onRetry={() => pages.refetch()} />;
  if (!pages.data) return <Skeleton height={120} />;
  const changes = pages.data.pages.flatMap((p) => p.changes.map((change) => ({ ...change, links: p.links })));
  if (changes.length === 0) return <p className="nothing">{t("answer.empty")}</p>;
  return (
    <>
      <ol className="history">
        {changes.map((change) => (
          <li key={change.seq}>
            <p>
              <time dateTime={change.at}>{showInstant(change.at)}</time> <b>{words.actor(change.actor)}</b>{" "}
              <span className="chip">{words.kind(change.kind)}</span>{" "}
              <span className="muted">{words.channel(change.channel)}</span>
            </p>
            <Diff object={object} before={change.before} after={change.after} links={change.links} />
          </li>
        ))}
      </ol>
      {pages.hasNextPage && (
        <Button loading={pages.isFetchingNextPage} onClick={() => pages.fetchNextPage()}>
          {t("pager.more")}
        </Button>
      )}
    </>
  );
}
