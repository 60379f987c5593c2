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
  "own",
] as const;

/** The name of a metric group; one that only a definition file names keeps its name. */
export function useGroupName(): (group: string) => string {
  const { t } = useTranslation();
  return (group) => {
    const known = GROUPS.find((g) => g === group);
    return known ? t(`metrics.groups.${known}`) : group;
  };
}
