// The way to a record's page, by what it is called.
import { Link } from "@tanstack/react-router";
import { useLang } from "../i18n";
import { pickText } from "../ui/format";
import { useObjects } from "../ui/session";
import { findObject } from "./record";

export function RecordLink({
  object,
  id,
  title,
  onClick,
}: {
  object: string;
  id: number;
  /** Null where it has none: then it is called by its kind and number. */
  title: string | null;
  onClick?: () => void;
}) {
  const lang = useLang();
  const def = findObject(useObjects(), object);
  const text = title ?? `${def ? pickText(def.name, lang) : object} #${id}`;
  const then = onClick ? { onClick } : {};
  return object === "customer" ? (
    <Link to="/customers/$id" params={{ id: String(id) }} {...then}>
      {text}
    </Link>
  ) : (
    <Link to="/records/$object/$id" params={{ object, id: String(id) }} {...then}>
      {text}
    </Link>
  );
}
