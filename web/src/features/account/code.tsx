// The secret as a picture to scan. Dark on white in both modes: a camera wants it so.
import { QRCode } from "antd";

export function Code({ text, label }: { text: string; label: string }) {
  return (
    <div className="qr" role="img" aria-label={label}>
      <div aria-hidden="true">
        <QRCode value={text} type="svg" size={180} color="#000000" bgColor="#ffffff" bordered={false} />
      </div>
    </div>
  );
}
