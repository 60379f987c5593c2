// One record: every field by group, changed in place; what links here; what
// happened to it.
import { DeleteOutlined } from "@ant-design/icons";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Alert, Button } from "antd";
import { lazy, type ReactNode, Suspense, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { FILE } from "../../api/files";
import { deleteRecord, type Held, type ObjectDef, objectsQuery, recordQuery } from "../../api/records";
import { statusOf } from "../../api/request";
import type { Party } from "../../api/trust";
import { FileContent, FilesPanel } from "../../fields/files";
import { Finish } from "../../fields/finish";
import { type FieldGroup, findObject, groupsOf, mayDo, titleOf } from "../../fields/record";
import { CommentsPanel, Star } from "../../fields/talk";
import { useLang } from "../../i18n";
import { Confirm } from "../../ui/dialog";
import { pickText } from "../../ui/format";
import { useLook, usePeopleAt } from "../../ui/live";
import { Panel } from "../../ui/panel";
import { Empty, LoadError, Skeleton } from "../../ui/states";
import { History } from "./history";
import { InlineField } from "./inline-field";

// Below what is looked at first.
const RelatedRecords = lazy(() =>
  import("../../fields/related-records").then((m) => ({ default: m.RelatedRecords })),
);
// Of customers and people only: they come with them.
const Consents = lazy(() => import("./consents").then((m) => ({ default: m.Consents })));
const PersonData = lazy(() => import("./person").then((m) => ({ default: m.PersonData })));
const Sharing = lazy(() => import("./sharing").then((m) => ({ default: m.Sharing })));

const Here = lazy(() => import("./here").then((m) => ({ default: m.Here })));
const route = getRouteApi("/records/$object/$id");

export function RecordPage() {
  const { t } = useTranslation();
  const params = route.useParams();
  const id = Number(params.id);
  const objects = useQuery(objectsQuery);
  const object = findObject(objects.data, params.object);
  const record = useQuery({ ...recordQuery(params.object, id), enabled: object !== undefined });
  const error = objects.error ?? record.error;
  // It was merged into another one: the address goes there, too.
  const moved = record.data && record.data.id !== id ? record.data.id : null;
  const navigate = route.useNavigate();
  useEffect(() => {
    if (moved !== null)
      void navigate({ params: { object: params.object, id: String(moved) }, replace: true });
  }, [moved, navigate, params.object]);
  if (object && record.data)
    return <OneRecord key={`${object.id}.${record.data.id}`} object={object} record={record.data} />;
  return (
    <main className="page" id="main" aria-busy={!error}>
      <h1 className={error ? undefined : "visually-hidden"}>{t("record.title")}</h1>
      {error && statusOf(error) !== 404 ? (
        <LoadError
          error={error}
          onRetry={() => {
            void objects.refetch();
            if (object) void record.refetch();
          }}
        />
      ) : error || (objects.data && !object) ? (
        <Empty
          title={t("record.gone")}
          action={
            <Link to="/records/$object" params={{ object: params.object }}>
              {t("record.toList")}
            </Link>
          }
        />
      ) : (
        <>
          <Skeleton height={48} />
          <Skeleton height={320} />
        </>
      )}
    </main>
  );
}

function OneRecord({ object, record }: { object: ObjectDef; record: Held }) {
  const { t } = useTranslation();
  const lang = useLang();
  const [editing, setEditing] = useState<string | null>(null);
  const [isDeleting, setDeleting] = useState(false);
  const title = titleOf(object, record);
  const isEditable = mayDo(object, "update");
  useLook(object.id, record.id);
  const others = usePeopleAt(object.id, record.id);
  const party = partyOf(object, record);
  const groups = groupsOf(object);
  const number = object.number && object.number !== object.title ? record.values[object.number] : null;
  return (
    <main className="page" id="main">
      <header className="page-head">
        <div>
          <p className="crumb">
            <Link to="/records/$object" params={{ object: object.id }}>
              {pickText(object.name, lang)}
            </Link>
          </p>
          <h1>
            {title} <Star object={object.id} id={record.id} title={title} isOpen />
          </h1>
          {number !== null && number !== undefined && <p className="note">{String(number)}</p>}
        </div>
        <div className="controls">
          {others.length > 0 && (
            <Suspense>
              <Here names={others} />
            </Suspense>
          )}
          {object.id === "customer" && (
            <Link to="/customers/$id" params={{ id: String(record.id) }}>
              <Button>{t("record.performance")}</Button>
            </Link>
          )}
          <Finish object={object} row={record} title={title} />
          {mayDo(object, "delete") && (
            <Button danger icon={<DeleteOutlined aria-hidden="true" />} onClick={() => setDeleting(true)}>
              {t("record.delete")}
            </Button>
          )}
        </div>
      </header>
      {object.id === FILE && <FileContent object={object} record={record} />}
      <section className="panel">
        <h2 className="visually-hidden">{t("record.fields")}</h2>
        {groups.map((group) => (
          <Group key={group.id} group={group} isAlone={groups.length === 1}>
            <dl className={group.kind === "texts" ? "record-fields wide" : "record-fields"}>
              {group.fields.map((field) => (
                <InlineField
                  key={field.id}
                  object={object}
                  field={field}
                  record={record}
                  isEditable={isEditable && !field.is_read_only}
                  isEditing={editing === field.id}
                  onEdit={() => setEditing(field.id)}
                  onDone={() => setEditing((now) => (now === field.id ? null : now))}
                />
              ))}
            </dl>
          </Group>
        ))}
        {!object.is_writable && <p className="note">{t("record.readOnly")}</p>}
      </section>
      <CommentsPanel object={object.id} id={record.id} />
      <FilesPanel object={object.id} id={record.id} />
      <Suspense fallback={<Skeleton height={120} />}>
        <RelatedRecords
          key={record.id}
          object={object.id}
          id={record.id}
          title={title}
          without={party ? ["consent", "share"] : ["share"]}
        />
      </Suspense>
      <Suspense fallback={<Skeleton height={120} />}>
        {object.id === "customer" && <Sharing customer={record.id} />}
        {party && <Consents party={party} id={record.id} mayAdd={isEditable} />}
        {party && <PersonData party={party} id={record.id} mayErase={mayDo(object, "delete")} />}
      </Suspense>
      <Panel title={t("record.history")} note={t("record.historyNote")}>
        <History object={object} id={record.id} />
      </Panel>
      {isDeleting && (
        <DeleteRecord object={object} record={record} title={title} onClose={() => setDeleting(false)} />
      )}
    </main>
  );
}

function Group({ group, isAlone, children }: { group: FieldGroup; isAlone: boolean; children: ReactNode }) {
  const { t } = useTranslation();
  const lang = useLang();
  const title = group.name ? pickText(group.name, lang) : t(`record.groups.${group.kind}`);
  if (group.kind === "more")
    return (
      <details className="field-group">
        <summary>{title}</summary>
        {children}
      </details>
    );
  return (
    <div className="field-group">
      {!isAlone && <h3>{title}</h3>}
      {children}
    </div>
  );
}

/** As what the record stands for a person, if it does. */
const partyOf = (object: ObjectDef, record: Held): Party | null =>
  object.id === "contact"
    ? "contact"
    : object.id === "customer" && record.values.kind === "person"
      ? "customer"
      : null;

function DeleteRecord({
  object,
  record,
  title,
  onClose,
}: {
  object: ObjectDef;
  record: Held;
  title: string;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const navigate = route.useNavigate();
  const remove = useMutation({
    // So known to what listens for changes, see `live-host`.
    mutationKey: ["leave", object.id, record.id],
    mutationFn: () => deleteRecord(object.id, record.id, record.etag),
    onSuccess: async () => {
      await navigate({ to: "/records/$object", params: { object: object.id } });
      cache.removeQueries({ queryKey: ["records", object.id, "one", record.id] });
      await cache.invalidateQueries({ queryKey: ["records"] });
    },
    onError: (error) => {
      if (statusOf(error) === 412)
        void cache.invalidateQueries({ queryKey: ["records", object.id, "one", record.id] });
    },
  });
  return (
    <Confirm
      title={t("record.deleteSure", { title })}
      action={t("record.delete")}
      isBusy={remove.isPending}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      <p>{t("record.deleteHelp")}</p>
      {remove.error && (
        <Alert
          type="error"
          showIcon
          title={
            statusOf(remove.error) === 412
              ? t("record.changedShort")
              : remove.error.message || t("error.unreachable")
          }
        />
      )}
    </Confirm>
  );
}
