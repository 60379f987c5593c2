import { useTranslation } from "react-i18next";

const GROUPS = [
  "financial",
  "acquisition",
  "behaviour",
  "retention",
  "satisfaction",
  "loyalty",
  "interaction",
  "service",
  "pipeline",
  "value",
  "innovation",
  "employee",
] as const;

/** The name of a metric group; a group of one's own keeps the name it has. */
export function useGroupName(): (group: string) => string {
  const { t } = useTranslation();
  return (group) => {
    const known = GROUPS.find((g) => g === group);
    return known ? t(`metrics.groups.${known}`) : group;
  };
}
