import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { exactNumber } from "./format";

/** Nothing where one page holds all. */
export function Pager({
  offset,
  size,
  total,
  onMove,
}: {
  offset: number;
  size: number;
  total: number;
  onMove: (offset: number) => void;
}) {
  const { t } = useTranslation();
  if (total <= size) return null;
  return (
    <div className="pager">
      <Button size="small" disabled={offset === 0} onClick={() => onMove(Math.max(0, offset - size))}>
        {t("pager.previous")}
      </Button>
      <span>
        {t("pager.of", {
          from: exactNumber(offset + 1),
          to: exactNumber(Math.min(offset + size, total)),
          total: exactNumber(total),
        })}
      </span>
      <Button size="small" disabled={offset + size >= total} onClick={() => onMove(offset + size)}>
        {t("pager.next")}
      </Button>
    </div>
  );
}
