// A customer known by its number. Records name the number and pages the id, so
// a click asks for the id; opened in a new tab, the list finds the number.
import { useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import type { MouseEvent } from "react";
import { customersQuery } from "../api/queries";
import { quote } from "../ui/where";

export function CustomerLink({ number, onLeave }: { number: string; onLeave: () => void }) {
  const cache = useQueryClient();
  const navigate = useNavigate();
  const open = async (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const found = await cache
      .query(customersQuery({ where: `number = ${quote(number)}` }, 0, 1))
      .catch(() => null);
    const id = found?.resources[0]?.id;
    onLeave();
    if (id === undefined) await navigate({ to: "/customers", search: { search: number } });
    else await navigate({ to: "/customers/$id", params: { id: String(id) } });
  };
  return (
    <Link to="/customers" search={{ search: number }} onClick={open} preload={false}>
      {number}
    </Link>
  );
}
