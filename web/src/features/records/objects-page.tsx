// Every kind of record that there is, by room.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { objectsQuery } from "../../api/records";
import { useLang } from "../../i18n";
import { pickText } from "../../ui/format";
import { Panel } from "../../ui/panel";
import { roomsOf } from "../../ui/rooms";
import { Empty, LoadError, Skeleton } from "../../ui/states";

export function ObjectsPage() {
  const { t } = useTranslation();
  const lang = useLang();
  const { data, error, refetch } = useQuery(objectsQuery);
  return (
    <main className="page" id="main">
      <header className="page-head">
        <div>
          <h1>{t("records.title")}</h1>
          <p className="note">{t("records.intro")}</p>
        </div>
      </header>
      {error ? (
        <LoadError error={error} onRetry={() => refetch()} />
      ) : !data ? (
        <Skeleton height={320} />
      ) : data.length === 0 ? (
        <Empty title={t("records.nothingAllowed")} />
      ) : (
        roomsOf(data).map(({ room, objects }) => (
          <Panel key={room} title={t(`rooms.${room}`)}>
            <ul className="metric-list">
              {objects.map((object) => (
                <li key={object.id}>
                  <Link to="/records/$object" params={{ object: object.id }}>
                    {pickText(object.name, lang)}
                  </Link>
                  <span className="muted">{pickText(object.about, lang)}</span>
                </li>
              ))}
            </ul>
          </Panel>
        ))
      )}
    </main>
  );
}
