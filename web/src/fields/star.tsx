// A record that one wants to find again: marked by a star, in lists and on its
// page, which also notes that one had it open.
import "../i18n/talk";
import "./talk.css";
import { StarFilled, StarOutlined } from "@ant-design/icons";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { App } from "antd";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { favouritesQuery, markRecord, seeRecord } from "../api/talk";

type Marks = NonNullable<ReturnType<typeof useMarks>["data"]>;
const key = favouritesQuery.queryKey;
const useMarks = () => useQuery(favouritesQuery);

export function Star({
  object,
  id,
  title,
  isSmall = false,
  isOpen = false,
}: {
  object: string;
  id: number;
  title: string;
  /** In a row, whose own keys and clicks open the record. */
  isSmall?: boolean;
  /** The record's own page. */
  isOpen?: boolean;
}) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const { message } = App.useApp();
  const marks = useMarks();
  const isMarked = (marks.data?.favourites ?? []).some((f) => f.object === object && f.id === id);
  useEffect(() => {
    // That it was not noted takes nothing away from the page.
    if (isOpen)
      void seeRecord(object, id)
        .then(() => cache.invalidateQueries({ queryKey: key, refetchType: "none" }))
        .catch(() => undefined);
  }, [isOpen, object, id, cache]);
  const mark = useMutation({
    mutationFn: (next: boolean) => markRecord(object, id, next),
    onMutate: async (next) => {
      await cache.cancelQueries({ queryKey: key });
      const before = cache.getQueryData<Marks>(key);
      if (before) {
        const others = before.favourites.filter((f) => f.object !== object || f.id !== id);
        const favourites = next ? [{ object, id, title }, ...others] : others;
        cache.setQueryData<Marks>(key, { ...before, favourites });
      }
      return before;
    },
    onError: (error, _, before) => {
      if (before) cache.setQueryData<Marks>(key, before);
      void message.error(error.message || t("error.unreachable"));
    },
    onSettled: () => cache.invalidateQueries({ queryKey: key }),
  });
  return (
    <button
      type="button"
      className={isMarked ? "star marked" : "star"}
      aria-pressed={isMarked}
      aria-label={t(isMarked ? "star.remove" : "star.add", { title })}
      title={t(isMarked ? "star.remove" : "star.add", { title })}
      tabIndex={isSmall ? -1 : 0}
      onClick={(event) => {
        event.stopPropagation();
        mark.mutate(!isMarked);
      }}
    >
      {isMarked ? <StarFilled aria-hidden="true" /> : <StarOutlined aria-hidden="true" />}
    </button>
  );
}
