// The address of a form as a picture to scan, to save and to print. Dark on
// white in both modes: a camera wants it so.
import { Button, QRCode } from "antd";
import { useRef } from "react";
import { useTranslation } from "react-i18next";
import { Dialog } from "../../ui/dialog";

export function FormCode({
  title,
  address,
  onClose,
}: {
  title: string;
  address: string;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const box = useRef<HTMLDivElement>(null);
  const save = () => {
    const drawn = box.current?.querySelector("svg")?.cloneNode(true);
    if (!(drawn instanceof SVGElement)) return;
    drawn.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    const url = URL.createObjectURL(new Blob([drawn.outerHTML], { type: "image/svg+xml" }));
    const link = document.createElement("a");
    link.href = url;
    link.download = "form.svg";
    link.click();
    URL.revokeObjectURL(url);
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <div className="form-code">
        <div ref={box} className="qr" role="img" aria-label={t("forms.codeOf", { title })}>
          <div aria-hidden="true">
            <QRCode
              value={address}
              type="svg"
              size={240}
              errorLevel="Q"
              color="#000000"
              bgColor="#ffffff"
              bordered={false}
            />
          </div>
        </div>
        <p className="form-address">{address}</p>
      </div>
      <div className="controls no-print">
        <Button onClick={save}>{t("forms.download")}</Button>
        <Button onClick={() => window.print()}>{t("forms.print")}</Button>
        <Button type="primary" onClick={onClose}>
          {t("forms.close")}
        </Button>
      </div>
    </Dialog>
  );
}
