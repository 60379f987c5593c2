// One import: at work, asking for a mapping, or done. The id is in the URL, so
// a reload finds it again.
import "../../i18n/import";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { App } from "antd";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { cancelImport, importQuery, isAtWork, mapImport, undoImport } from "../../api/queries";
import type { Import, Mapping } from "../../api/types";
import { LoadError, Skeleton } from "../../ui/states";
import { AtWork } from "./at-work";
import { MappingEditor } from "./mapping-editor";
import { Report } from "./report";
import { StateTag } from "./state-tag";

const route = getRouteApi("/import/$id");

export function ImportRunPage() {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const navigate = route.useNavigate();
  const id = Number(route.useParams().id);
  const cache = useQueryClient();
  const { data, error, failureCount, refetch } = useQuery(importQuery(id));

  const onDone = (next: Import) => {
    cache.setQueryData(["import", next.id], next);
    void cache.invalidateQueries({ queryKey: ["import", next.id] });
  };
  const onError = (failure: Error) => void message.error(failure.message || t("error.unreachable"));
  const map = useMutation({
    mutationFn: ({ mapping, saveAs }: { mapping: Mapping; saveAs: string }) => mapImport(id, mapping, saveAs),
    onSuccess: (next) => {
      onDone(next);
      void cache.invalidateQueries({ queryKey: ["mappings"] });
      // The file goes on as a new import.
      void navigate({ to: "/import/$id", params: { id: String(next.id) }, replace: true });
    },
  });
  const cancel = useMutation({ mutationFn: () => cancelImport(id), onSuccess: onDone, onError });
  const undo = useMutation({ mutationFn: () => undoImport(id), onSuccess: onDone, onError });
  useFreshNumbers(data?.state);
  const isWaiting = data !== undefined && isAtWork(data.state);

  return (
    <main className="page" id="main">
      <header className="page-head">
        <div>
          <p className="crumb">
            <Link to="/import">{t("import.title")}</Link>
          </p>
          <h1>
            {data?.filename ?? t("import.title")} {data && <StateTag state={data.state} />}
          </h1>
        </div>
      </header>
      {error && !isWaiting ? (
        <LoadError error={error} onRetry={() => refetch()} />
      ) : !data ? (
        <Skeleton height={240} />
      ) : data.state === "needs_mapping" && data.mapping ? (
        <MappingEditor
          key={id}
          run={data}
          proposal={data.mapping}
          busy={map.isPending}
          error={map.error}
          onContinue={(mapping, saveAs) => map.mutate({ mapping, saveAs })}
        />
      ) : data.state === "mapped" && data.next != null ? (
        <p>
          <Link to="/import/$id" params={{ id: String(data.next) }}>
            {t("import.wentOn")}
          </Link>
        </p>
      ) : isWaiting ? (
        <AtWork
          run={data}
          isCut={error !== null || failureCount > 0}
          busy={cancel.isPending}
          onCancel={() => cancel.mutate()}
        />
      ) : (
        <Report run={data} busy={undo.isPending} onUndo={() => undo.mutate()} />
      )}
    </main>
  );
}

/** When an import ends, every number on every page may be another one. */
function useFreshNumbers(state: Import["state"] | undefined): void {
  const cache = useQueryClient();
  const before = useRef(state);
  useEffect(() => {
    const was = before.current;
    before.current = state;
    if (!state || isAtWork(state) || was === undefined || was === state) return;
    void cache.invalidateQueries({
      predicate: (q) => !["import", "catalog", "preview"].includes(String(q.queryKey[0])),
    });
  }, [state, cache]);
}
