// A picture of the differences of two pictures, computed here: what is equal is pale, what differs is red.

// Antialiasing differs by a shade or two between runs of nothing; a letter that moved differs by far more.
const THRESHOLD = 40;

export async function differences(oldUrl, newUrl) {
  const [before, after] = await Promise.all([loaded(oldUrl), loaded(newUrl)]);
  const width = Math.max(before?.naturalWidth || 0, after?.naturalWidth || 0);
  const height = Math.max(before?.naturalHeight || 0, after?.naturalHeight || 0);
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const one = pixelsOf(context, before, width, height);
  const two = pixelsOf(context, after, width, height);
  const result = context.createImageData(width, height);
  let changed = 0;
  for (let at = 0; at < one.length; at += 4) {
    const gap = Math.max(
      Math.abs(one[at] - two[at]), Math.abs(one[at + 1] - two[at + 1]), Math.abs(one[at + 2] - two[at + 2]),
    );
    if (gap > THRESHOLD) {
      changed += 1;
      result.data.set([208, 16, 48, 255], at);
    } else {
      const grey = 190 + (two[at] * 0.3 + two[at + 1] * 0.59 + two[at + 2] * 0.11) * 0.255;
      result.data.set([grey, grey, grey, 255], at);
    }
  }
  context.putImageData(result, 0, 0);
  return { canvas, share: width * height ? changed / (width * height) : 0, changed };
}

function pixelsOf(context, image, width, height) {
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  if (image) context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, width, height).data;
}

async function loaded(url) {
  if (!url) return null;
  const image = new Image();
  image.src = url;
  await image.decode();
  return image;
}
