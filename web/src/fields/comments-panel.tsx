// What colleagues say of a record: read, written, changed and taken back by
// who wrote it. `@` offers the people who see the record.
import "../i18n/talk";
import "./talk.css";
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Alert, Button } from "antd";
import {
  type FormEvent,
  Fragment,
  type KeyboardEvent,
  type ReactNode,
  useEffect,
  useId,
  useRef,
  useState,
} from "react";
import { useTranslation } from "react-i18next";
import {
  addComment,
  type Comment,
  type CommentSaved,
  changeComment,
  commentPage,
  commentsKey,
  deleteComment,
  type Person,
  peopleQuery,
} from "../api/talk";
import { Confirm } from "../ui/dialog";
import { showInstant } from "../ui/format";
import { Panel } from "../ui/panel";
import { LoadError, Skeleton } from "../ui/states";
import { mentionAt, named } from "./mentions";

const LONGEST = 5_000;

export function CommentsPanel({ object, id }: { object: string; id: number }) {
  const { t } = useTranslation();
  const pages = useInfiniteQuery({
    queryKey: commentsKey(object, id),
    queryFn: ({ pageParam, signal }) => commentPage(object, id, pageParam, signal),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (last) => last.before ?? undefined,
  });
  const [unreached, setUnreached] = useState<Person[]>([]);
  const comments = [...(pages.data?.pages ?? [])].reverse().flatMap((page) => page.comments);
  const told = (saved: CommentSaved) => setUnreached(saved.unreached);
  return (
    <Panel title={t("talk.title")} note={t("talk.note")}>
      {pages.error ? (
        <LoadError error={pages.error} onRetry={() => pages.refetch()} />
      ) : !pages.data ? (
        <Skeleton height={80} />
      ) : (
        <div className="comments">
          {pages.hasNextPage && (
            <Button loading={pages.isFetchingNextPage} onClick={() => pages.fetchNextPage()}>
              {t("talk.older")}
            </Button>
          )}
          {comments.length === 0 && <p className="note">{t("talk.none")}</p>}
          <ol>
            {comments.map((comment) => (
              <OneComment key={comment.id} object={object} id={id} comment={comment} onSaved={told} />
            ))}
          </ol>
          {unreached.length > 0 && (
            <Alert
              type="warning"
              showIcon
              closable
              title={t("talk.unreached", { names: unreached.map((p) => p.name).join("、") })}
              onClose={() => setUnreached([])}
            />
          )}
          {pages.data.pages[0]?.may_write && (
            <Editor
              object={object}
              id={id}
              label={t("talk.write")}
              action={t("talk.send")}
              save={(text) => addComment(object, id, text)}
              onSaved={told}
            />
          )}
        </div>
      )}
    </Panel>
  );
}

function OneComment({
  object,
  id,
  comment,
  onSaved,
}: {
  object: string;
  id: number;
  comment: Comment;
  onSaved: (saved: CommentSaved) => void;
}) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const [state, setState] = useState<"shown" | "edited" | "removed">("shown");
  const remove = useMutation({
    mutationFn: () => deleteComment(object, id, comment.id),
    onSuccess: () => cache.invalidateQueries({ queryKey: commentsKey(object, id) }),
  });
  const close = () => setState("shown");
  return (
    <li className="comment">
      <p className="comment-head">
        <b>{comment.author.name}</b> <time dateTime={comment.at}>{showInstant(comment.at)}</time>
        {comment.edited_at && (
          <span className="muted" title={showInstant(comment.edited_at)}>
            {t("talk.edited")}
          </span>
        )}
        {comment.is_own && state === "shown" && (
          <span className="comment-actions">
            <button type="button" className="plain-button" onClick={() => setState("edited")}>
              {t("talk.edit")}
            </button>
            <button type="button" className="plain-button" onClick={() => setState("removed")}>
              {t("talk.remove")}
            </button>
          </span>
        )}
      </p>
      {state === "edited" ? (
        <Editor
          object={object}
          id={id}
          label={t("talk.edit")}
          action={t("talk.save")}
          first={comment.text}
          save={(text) => changeComment(object, id, comment.id, text)}
          onSaved={(saved) => {
            close();
            onSaved(saved);
          }}
          onCancel={close}
        />
      ) : (
        <p className="comment-text">
          <Said text={comment.text} people={comment.mentions} />
        </p>
      )}
      {state === "removed" && (
        <Confirm
          title={t("talk.removeSure")}
          action={t("talk.remove")}
          isBusy={remove.isPending}
          onConfirm={() => remove.mutate()}
          onClose={close}
        >
          <p className="comment-text">{comment.text}</p>
          {remove.error && (
            <Alert type="error" showIcon title={remove.error.message || t("error.unreachable")} />
          )}
        </Confirm>
      )}
    </li>
  );
}

/** A text in which people stand by their names. */
function Said({ text, people }: { text: string; people: Person[] }): ReactNode {
  return named(text, people).map((piece, i) =>
    piece.person ? (
      <span key={i} className="mention" title={piece.person.login}>
        @{piece.person.name}
      </span>
    ) : (
      <Fragment key={i}>{piece.text}</Fragment>
    ),
  );
}

function Editor({
  object,
  id,
  label,
  action,
  first = "",
  save,
  onSaved,
  onCancel,
}: {
  object: string;
  id: number;
  label: string;
  action: string;
  first?: string;
  save: (text: string) => Promise<CommentSaved>;
  onSaved: (saved: CommentSaved) => void;
  onCancel?: () => void;
}) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const list = useId();
  const box = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(first);
  /** Where the caret stands, as long as somebody may be named there. */
  const [caret, setCaret] = useState<number | null>(null);
  const [chosen, setChosen] = useState(0);
  const isChange = onCancel !== undefined;
  useEffect(() => {
    if (isChange) box.current?.focus();
  }, [isChange]);
  const asked = caret === null ? null : mentionAt(text, caret);
  const people = useQuery({ ...peopleQuery(object, id, asked?.part ?? ""), enabled: asked !== null });
  const offered = asked ? (people.data ?? []) : [];
  const at = Math.min(chosen, offered.length - 1);
  const sending = useMutation({
    mutationFn: () => save(text.trim()),
    onSuccess: async (saved) => {
      setText("");
      onSaved(saved);
      await Promise.all([
        cache.invalidateQueries({ queryKey: commentsKey(object, id) }),
        cache.invalidateQueries({ queryKey: ["records", object, "history", id] }),
      ]);
    },
  });
  const put = (person: Person) => {
    if (!asked || caret === null) return;
    const before = `${text.slice(0, asked.from)}@${person.login} `;
    setText(before + text.slice(caret));
    setCaret(null);
    // The caret goes behind the name once that is there.
    requestAnimationFrame(() => {
      box.current?.focus();
      box.current?.setSelectionRange(before.length, before.length);
    });
  };
  const send = () => {
    if (text.trim() !== "" && !sending.isPending) sending.mutate();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      send();
      return;
    }
    const person = offered[at];
    if (!person) return;
    if (event.key === "ArrowDown") setChosen((at + 1) % offered.length);
    else if (event.key === "ArrowUp") setChosen((at - 1 + offered.length) % offered.length);
    else if (event.key === "Enter" || event.key === "Tab") put(person);
    else if (event.key === "Escape") setCaret(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const look = (target: HTMLTextAreaElement) => {
    setCaret(target.selectionEnd);
    setChosen(0);
  };
  return (
    <form
      className="comment-form"
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        send();
      }}
    >
      {sending.error && (
        <Alert type="error" showIcon title={sending.error.message || t("error.unreachable")} />
      )}
      <div className="comment-box">
        <textarea
          ref={box}
          className="ant-input"
          aria-label={label}
          aria-autocomplete="list"
          aria-controls={offered.length > 0 ? list : undefined}
          aria-activedescendant={offered[at] ? `${list}-${offered[at].login}` : undefined}
          placeholder={t("talk.placeholder")}
          rows={2}
          maxLength={LONGEST}
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            look(event.target);
          }}
          onClick={(event) => look(event.currentTarget)}
          onBlur={() => setCaret(null)}
          onKeyDown={onKeyDown}
        />
        {asked && offered.length > 0 && (
          <div id={list} className="people" role="listbox" aria-label={t("talk.people")}>
            {offered.map((person, i) => (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keys.
              <div
                key={person.login}
                id={`${list}-${person.login}`}
                role="option"
                tabIndex={-1}
                aria-selected={i === at}
                // The field keeps the focus, and with it the list.
                onPointerDown={(event) => event.preventDefault()}
                onClick={() => put(person)}
              >
                {person.name} <small>{person.login}</small>
              </div>
            ))}
          </div>
        )}
        {asked && asked.part !== "" && people.data?.length === 0 && (
          <p className="people note" role="status">
            {t("talk.noPeople", { text: asked.part })}
          </p>
        )}
      </div>
      <div className="controls">
        {onCancel && <Button onClick={onCancel}>{t("form.cancel")}</Button>}
        <Button type="primary" htmlType="submit" disabled={text.trim() === ""} loading={sending.isPending}>
          {action}
        </Button>
      </div>
    </form>
  );
}
