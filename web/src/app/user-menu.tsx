// Who is signed in, and what belongs to that person alone.
import { UserOutlined } from "@ant-design/icons";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { App } from "antd";
import { useTranslation } from "react-i18next";
import { type SessionUser, sessionQuery, signOut } from "../api/session";
import { useLang } from "../i18n";
import { pickText } from "../ui/format";
import { Menu } from "../ui/menu";
import { AREAS } from "../ui/session";

export function UserMenu({ user }: { user: SessionUser }) {
  const { t } = useTranslation();
  const lang = useLang();
  const cache = useQueryClient();
  const { message } = App.useApp();
  const leave = useMutation({
    mutationFn: signOut,
    onSuccess: () => {
      cache.setQueryData(sessionQuery.queryKey, { state: "signed_out" as const, user: null });
      cache.removeQueries({ predicate: (query) => query.queryKey[0] !== sessionQuery.queryKey[0] });
    },
    onError: (error) => void message.error(error.message || t("error.unreachable")),
  });
  const settings = AREAS.find((a) => user.admin.includes(a.area));
  return (
    <Menu
      className="user-menu"
      name={t("shell.account", { name: user.name })}
      label={<UserOutlined aria-hidden="true" />}
    >
      {(close) => (
        <ul>
          <li className="note">
            <b>{user.name}</b>
            <br />
            {pickText(user.role_name, lang)}
          </li>
          <li>
            <Link to="/account" onClick={close}>
              {t("nav.account")}
            </Link>
          </li>
          {settings && (
            <li>
              <Link to={settings.to} onClick={close}>
                {t("nav.settings")}
              </Link>
            </li>
          )}
          <li>
            <button type="button" disabled={leave.isPending} onClick={() => leave.mutate()}>
              {t("shell.signOut")}
            </button>
          </li>
        </ul>
      )}
    </Menu>
  );
}
