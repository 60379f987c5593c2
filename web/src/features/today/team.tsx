// Where each of a team stands; what is late is the way to its list.
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { Section } from "../../api/talk";
import { Amount } from "../../ui/figure";
import { exactNumber } from "../../ui/format";

type TeamRow = NonNullable<Section["team"]>[number];

const LATE = {
  tasks: { object: "task", where: "(state is null or state in ('open', 'in_progress'))" },
  payments: { object: "payment_plan", where: "(state is null or state in ('open', 'partly_paid'))" },
  tickets: { object: "ticket", where: "(state is null or state in ('open', 'in_progress', 'waiting'))" },
} as const;
const COLUMNS = ["tasks", "payments", "tickets"] as const;

export function Team({ rows, currency }: { rows: TeamRow[]; currency: string | undefined }) {
  const { t } = useTranslation();
  return (
    <table className="table as-cards">
      <thead>
        <tr>
          <th scope="col">{t("today.team.user")}</th>
          {COLUMNS.map((column) => (
            <th key={column} scope="col" className="num">
              {t(`today.team.${column}`)}
            </th>
          ))}
          <th scope="col" className="num">
            {t("today.team.at_risk")}
          </th>
          <th scope="col" className="num">
            {t("today.team.value")}
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.user ?? 0}>
            <td data-head={t("today.team.user")}>{row.name ?? t("today.team.nobody")}</td>
            {COLUMNS.map((column) => (
              <td key={column} className="num" data-head={t(`today.team.${column}`)}>
                {row[column] > 0 ? (
                  <Link
                    to="/records/$object"
                    params={{ object: LATE[column].object }}
                    search={{
                      where: `${row.user ? `user = ${row.user}` : "user is null"} and ${LATE[column].where}`,
                    }}
                  >
                    {exactNumber(row[column])}
                  </Link>
                ) : (
                  "0"
                )}
              </td>
            ))}
            <td className="num" data-head={t("today.team.at_risk")}>
              {exactNumber(row.at_risk)}
            </td>
            <td className="num" data-head={t("today.team.value")}>
              <Amount value={row.value_at_risk ?? null} unit="money" currency={currency} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
