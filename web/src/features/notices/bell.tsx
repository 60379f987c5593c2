// What one is told: the number that is new beside a bell, and below it the
// list, each with the way to its record.
import "../../i18n/talk";
import "./notices.css";
import { BellOutlined } from "@ant-design/icons";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { type Notice, noticePage, noticesKey, readNotice } from "../../api/talk";
import { Notices } from "../../fields/notices";
import { Menu } from "../../ui/menu";
import { LoadError, Skeleton } from "../../ui/states";

const MANY = 100;
const LOOK_AGAIN_MS = 60_000;

export function Bell() {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const pages = useInfiniteQuery({
    queryKey: noticesKey,
    queryFn: ({ pageParam, signal }) => noticePage(pageParam, signal),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
    refetchInterval: LOOK_AGAIN_MS,
    staleTime: LOOK_AGAIN_MS / 2,
  });
  const unread = pages.data?.pages[0]?.unread ?? 0;
  const all: Notice[] = pages.data?.pages.flatMap((page) => page.notifications) ?? [];
  const shown = unread >= MANY ? `${MANY - 1}+` : String(unread);
  const read = useMutation({
    mutationFn: ({ id, upTo }: { id: number; upTo: boolean }) => readNotice(id, upTo),
    onSuccess: () =>
      Promise.all([
        cache.invalidateQueries({ queryKey: noticesKey }),
        cache.invalidateQueries({ queryKey: ["today"] }),
      ]),
  });
  const newest = all[0];
  return (
    <Menu
      className="bell"
      name={t("notice.button", { n: shown })}
      label={
        <>
          <BellOutlined aria-hidden="true" />
          {unread > 0 && (
            <span className="bell-count" aria-hidden="true">
              {shown}
            </span>
          )}
        </>
      }
    >
      {(close) => (
        <section className="bell-box" aria-label={t("notice.title")}>
          <header>
            <h2>{t("notice.title")}</h2>
            {unread > 0 && newest && (
              <button
                type="button"
                className="plain-button"
                disabled={read.isPending}
                onClick={() => read.mutate({ id: newest.id, upTo: true })}
              >
                {t("notice.allRead")}
              </button>
            )}
          </header>
          {pages.error ? (
            <LoadError error={pages.error} onRetry={() => pages.refetch()} />
          ) : !pages.data ? (
            <Skeleton height={80} />
          ) : all.length === 0 ? (
            <p className="note">{t("notice.none")}</p>
          ) : (
            <Notices
              notices={all}
              onOpen={(notice) => {
                if (!notice.is_read) read.mutate({ id: notice.id, upTo: false });
                close();
              }}
            />
          )}
          {pages.hasNextPage && (
            <button
              type="button"
              className="plain-button"
              disabled={pages.isFetchingNextPage}
              onClick={() => void pages.fetchNextPage()}
            >
              {t("notice.more")}
            </button>
          )}
        </section>
      )}
    </Menu>
  );
}
